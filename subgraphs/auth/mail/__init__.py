"""Mails to users: texts, an outbox in the store, and the ways in which a mail leaves the service.

Reading order: `letters` (kinds and texts), `outbox`, `delivery`, `mailer` with `smtp` and `maildir`, `settings`,
`opening`.

A new kind of mail is a member of `letters.MailKind` with its row in `letters.STYLES`, and two templates with its name.
"""
