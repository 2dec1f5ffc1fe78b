"""The transaction service: orders to move money, their course, their history. The money itself lies in the ledger."""
