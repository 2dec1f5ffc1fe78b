"""A table of all environment variables of the platform.

A service knows only its own settings class, but its environment may have the variables of all services. So all
processes look up the names of `MOSAFE_*` variables in this table. `.env.example` is generated from it. A test checks
that the table agrees with the settings classes and with `router.yaml`.
"""

from __future__ import annotations

from typing import Final

from bank.dpop_variables import DPOP_SECTION
from servicekit.variables import EVERY_PROCESS, Section, Variable, VariableTable

SECTIONS: Final[tuple[Section, ...]] = (
    EVERY_PROCESS,
    Section(
        "Each of the three services: what one GraphQL request may ask for",
        (
            Variable("SUBGRAPH_MAX_OBJECTS", "2000", "How many objects a request may resolve, estimated and counted."),
            Variable("SUBGRAPH_MAX_DEPTH", "12", "How deeply the fields of a request may be nested."),
            Variable("SUBGRAPH_MAX_ALIASES", "30", "How many fields of a request may have an alias."),
            Variable(
                "SUBGRAPH_REQUEST_SECONDS",
                "30",
                "How long a request may take; a caller of MOSAFE_TRUSTED_PROXIES may ask for less.",
            ),
        ),
    ),
    Section(
        "The signature of the router on its requests to the three services; docs/request-signatures.md",
        (
            Variable(
                "SUBGRAPH_SIGNATURES",
                "true",
                "Whether a service refuses requests that the router has not signed; off for tools that ask a service.",
            ),
            Variable(
                "SUBGRAPH_SIGNATURE_SECRET",
                "<generated into the data directory>",
                "The secret of router and services that signs the requests; at least 32 characters.",
                secret=True,
            ),
            Variable(
                "SUBGRAPH_SIGNATURE_OLD_SECRET",
                "<unset>",
                "A secret that the services accept too, while SUBGRAPH_SIGNATURE_SECRET is replaced.",
                secret=True,
            ),
        ),
    ),
    DPOP_SECTION,
    Section(
        "Auth service",
        (
            Variable("AUTH_PORT", "3001", "Port of the auth subgraph."),
            Variable(
                "AUTH_DB_URL",
                "<SQLite in the data directory>",
                "Where users and sessions are stored: sqlite:///path or postgresql://user:password@host:5432/name.",
                secret=True,
            ),
            Variable(
                "AUTH_JWT_SECRET",
                "<generated into the data directory>",
                "Encrypts the private signing keys at rest; at least 32 characters.",
                secret=True,
            ),
            Variable(
                "AUTH_JWT_NEW_SECRET",
                "<unset>",
                "The secret with which `mosafe auth keys reseal` replaces AUTH_JWT_SECRET.",
                secret=True,
            ),
            Variable(
                "AUTH_SIGNING_ALGORITHM",
                "ES256",
                "The algorithm of new signing keys, ES256 or EdDSA; tokens of both are accepted.",
            ),
            Variable("AUTH_SESSION_HOURS", "720", "How many hours a session lasts at most."),
            Variable(
                "AUTH_SESSION_IDLE_HOURS", "168", "After how many hours without a refresh of its tokens a session ends."
            ),
            Variable(
                "AUTH_REFRESH_GRACE",
                "10",
                "For how many seconds a used refresh token gives the same next token again; 0 for never.",
            ),
            Variable(
                "AUTH_AUDIT_KEY",
                "<generated into the data directory>",
                "The key of the audit log's hash chain, at least 32 characters; it must stay the same.",
                secret=True,
            ),
            Variable(
                "AUTH_ISSUER",
                "<AUTH_PUBLIC_URL, or http://127.0.0.1:AUTH_PORT>",
                "The `iss` claim of access tokens, the same for all services and the router.",
            ),
            Variable(
                "AUTH_JWKS_URL",
                "<AUTH_ISSUER>/.well-known/jwks.json",
                "Where the other processes fetch the public signing keys.",
            ),
            Variable(
                "AUTH_PUBLIC_URL",
                "<AUTH_ISSUER>",
                "The URL under which users reach the auth service; the links in mails begin with it.",
            ),
            Variable(
                "AUTH_WEBAUTHN_ORIGINS",
                "<the pages of AUTH_PUBLIC_URL>",
                "The pages that may ask for a passkey, with commas: https://www.example.com,https://example.com.",
            ),
            Variable("AUTH_STEP_UP_MAX_AGE", "600", "How many seconds old a login may be to change it."),
            Variable("AUTH_SECOND_FACTOR_REQUIRED_FOR", "nobody", "Who needs two factors: nobody, staff or everybody."),
            Variable("AUTH_TOTP_TOLERANCE", "0", "How many steps of 30 s early or late a code of an app is accepted."),
            Variable(
                "AUTH_SMTP_URL",
                "<unset: mails are files in the data directory>",
                "The mail server: smtps://user:password@host (TLS) or smtp://user:password@host (STARTTLS).",
                secret=True,
            ),
            Variable(
                "AUTH_MAIL_FROM",
                "<MoSafe <no-reply@localhost>; needed with AUTH_SMTP_URL>",
                "The address from which mails come.",
            ),
            Variable(
                "AUTH_LOGIN_FAILURES_PER_ACCOUNT",
                "10",
                "Failed logins of one account in 15 minutes; after them, the waits between attempts grow.",
            ),
            Variable("AUTH_LOGIN_FAILURES_PER_ADDRESS", "30", "Failed logins of one address in a minute."),
            Variable("AUTH_REGISTRATIONS_PER_ADDRESS", "10", "Registrations of one address in an hour."),
            Variable(
                "AUTH_RATE_LIMITS",
                "<the limits of bank §2.11>",
                "Other limits than the default ones, with commas: refresh-address=600/60,reset-account=5/3600.",
            ),
            Variable(
                "AUTH_RATE_LIMITS_WITHOUT_REDIS",
                "local",
                "While Redis is away: local (each process counts), open or closed; after commas for limits or actions:"
                " local,login=closed,reset-account=open.",
            ),
            Variable(
                "AUTH_HASHING_QUEUE", "32", "Password hashes that may wait for a thread; more are refused with 503."
            ),
        ),
    ),
    Section(
        "Account service",
        (
            Variable("ACCOUNT_PORT", "3002", "Port of the account subgraph."),
            Variable(
                "ACCOUNT_DB_URL",
                "<SQLite in the data directory>",
                "Where accounts and the ledger are stored: sqlite:///path or mongodb://user:password@host:27017/database.",
                secret=True,
            ),
            Variable(
                "ACCOUNT_LEDGER_KEY",
                "<generated into the data directory>",
                "The key of the ledger's hash chains, at least 32 characters; it must stay the same.",
                secret=True,
            ),
            Variable("ACCOUNT_MAX_PER_USER", "100", "How many accounts that are not closed a user may own."),
            Variable(
                "ACCOUNT_MAX_ORDER",
                "10000000",
                "The largest order. After commas: JPY=1000000000 is for a currency, SAVINGS=5000 or SAVINGS:JPY=5000"
                " for accounts of a type.",
            ),
            Variable(
                "ACCOUNT_MAX_PER_DAY",
                "50000000",
                "The most that a user may deposit, and the most that may leave a user's accounts, in a day (UTC).",
            ),
            Variable("ACCOUNT_MAX_PER_MONTH", "<unlimited>", "The same for a month (UTC)."),
            Variable("ACCOUNT_MAX_BALANCE", "1000000000", "The largest balance of an account, as ACCOUNT_MAX_ORDER."),
            Variable(
                "ACCOUNT_RECEIVER_TRIES",
                "20",
                "How many receivers that do not exist or cannot receive money a user may name in 15 minutes.",
            ),
        ),
    ),
    Section(
        "Transaction service",
        (
            Variable("TRANSACTION_PORT", "3003", "Port of the transaction subgraph."),
            Variable(
                "TRANSACTION_DB_URL",
                "<SQLite in the data directory>",
                "Where transactions are stored: sqlite:///path or mongodb://user:password@host/database.",
                secret=True,
            ),
            Variable("FRAUD_RULES", "<bundled rules, which only observe>", "File of the fraud rules; docs/fraud.md."),
            Variable("FRAUD_SECONDS", "0.25", "How long an order waits for its fraud decision."),
            Variable(
                "TRANSACTION_STEP_UP_ABOVE",
                "<no amount>",
                "The amount above which a transfer, withdrawal or payment needs a second factor: 1000. After commas:"
                " JPY=100000 is for a currency.",
            ),
            Variable(
                "TRANSACTION_STEP_UP_MAX_AGE",
                "300",
                "How many seconds ago the customer of such an order may have used the second factor.",
            ),
            Variable(
                "REVIEW_FOUR_EYES_ABOVE",
                "10000",
                "Above this amount two persons must approve a HELD order; as ACCOUNT_MAX_ORDER.",
            ),
            Variable(
                "EXCHANGE_RATES",
                "<unset: transfers between currencies are refused>",
                "File of the exchange rates; docs/exchange-rates.md.",
            ),
            Variable(
                "PAYMENT_PROVIDER_URL",
                "<unset: simulated in the process>",
                "Base URL of the payment provider for deposits, withdrawals and payments; docs/payments.md.",
            ),
            Variable(
                "PAYMENT_PROVIDER_KEY",
                "<unset>",
                "The key with which the service calls the payment provider; at least 32 characters.",
                secret=True,
            ),
            Variable(
                "PAYMENT_WEBHOOK_SECRET",
                "<unset: no webhooks are accepted>",
                "The secret with which the payment provider signs its webhooks; at least 32 characters.",
                secret=True,
            ),
            Variable(
                "PAYMENT_WEBHOOK_OLD_SECRET",
                "<unset>",
                "A secret that is accepted too, while PAYMENT_WEBHOOK_SECRET is replaced.",
                secret=True,
            ),
            Variable("ACCOUNT_INTERNAL_URL", "http://127.0.0.1:3002", "Base URL of the account service's postings."),
        ),
    ),
    Section(
        "Sandbox provider: a payment provider for tests and development; docs/payments.md",
        (
            Variable("SANDBOX_PROVIDER_PORT", "3100", "Port of `mosafe sandbox-provider`."),
            Variable(
                "SANDBOX_PROVIDER_WEBHOOK_URL",
                "http://127.0.0.1:3003/webhooks/payments",
                "Where it sends events, if PAYMENT_WEBHOOK_SECRET is set.",
            ),
            Variable(
                "SANDBOX_PROVIDER_SETTLE_SECONDS",
                "2.0",
                "How long a payment is pending, and how long after its capture a chargeback comes.",
            ),
        ),
    ),
    Section(
        "Router",
        (
            Variable("ROUTER_PORT", "4000", "Port of the router."),
            Variable("ROUTER_WORKERS", "1", "Processes the router serves with, one for each core to use."),
            Variable("ROUTER_ADMIN", "false", "Whether the router's port for operators is open, on 127.0.0.1."),
            Variable("ROUTER_ADMIN_PORT", "4001", "Port for operators of the router."),
            Variable(
                "ROUTER_ADMIN_TOKEN", "<unset: nobody can>", "Bearer token with which operators reload; 16 characters."
            ),
            Variable(
                "ROUTER_INTROSPECTION",
                "<true in development, false in production>",
                "Whether clients may introspect the API schema.",
            ),
            Variable("ROUTER_PUBLIC_URL", "http://127.0.0.1:4000/graphql", "Where clients reach the router (DPoP)."),
            Variable("AUTH_URL", "http://127.0.0.1:3001/graphql", "Where the router finds the auth subgraph."),
            Variable("AUTH_API_KEYS_URL", "http://127.0.0.1:3001/api-keys/token", "Where the router exchanges keys."),
            Variable("ACCOUNT_URL", "http://127.0.0.1:3002/graphql", "Where the router finds the account subgraph."),
            Variable(
                "TRANSACTION_URL", "http://127.0.0.1:3003/graphql", "Where the router finds the transaction subgraph."
            ),
        ),
    ),
    Section(
        "REST layer",
        (
            Variable("REST_PORT", "8000", "Port of the REST layer."),
            Variable("ROUTER_URL", "http://127.0.0.1:4000/graphql", "Where the REST layer finds the router."),
            Variable("REST_PUBLIC_URL", "http://127.0.0.1:8000", "Where clients reach the REST layer (DPoP)."),
            Variable(
                "REST_SUPERGRAPH",
                "<supergraph.graphql of the checkout>",
                "The schema that the REST layer checks its operations against at start-up.",
            ),
            Variable("REST_CONCURRENCY", "40", "Requests of one kind of route that run at once."),
            Variable("REST_QUEUE", "80", "Requests of one kind that wait for a place; more are refused with 503."),
            Variable(
                "REST_ONLINE_BANKING",
                "<true in development, false in production>",
                "Whether / is a page on which people use the bank; it needs no other process.",
            ),
            Variable(
                "REST_CORS_ORIGINS",
                "<no other origin>",
                "Origins whose pages may use the API, with commas: https://app.example, https://*.example.com or *.",
            ),
            Variable(
                "REST_CORS_ORIGIN_PATTERNS",
                "<none>",
                "Regular expressions for further origins, separated by spaces; a pattern must match the whole origin.",
            ),
            Variable("REST_CORS_LOOPBACK", "false", "Whether pages of this machine may use the API."),
            Variable(
                "REST_CORS_PATHS",
                "<none>",
                "Other origins for a path and those below it: /api/auth=https://a.example https://b.example; /api/x=*.",
            ),
            Variable(
                "REST_CORS_ALLOW_PRIVATE_NETWORK",
                "false",
                "Whether pages of a public network may use the API on a private network.",
            ),
            Variable(
                "REST_CORS_ALLOW_HEADERS",
                "<what the browser asks for>",
                "Request headers that such a page may set, separated by commas.",
            ),
            Variable(
                "REST_CORS_EXPOSE_HEADERS",
                "<the headers that the API documents>",
                "Response headers that such a page may read, separated by commas.",
            ),
            Variable("REST_CORS_ALLOW_CREDENTIALS", "false", "Whether the browser may send cookies."),
            Variable("REST_CORS_MAX_AGE", "600", "How many seconds a browser may cache the response to a preflight."),
        ),
    ),
    Section(
        "Backups (`mosafe backup`); docs/deploy/backups.md",
        (
            Variable("BACKUP_TO", "<unset>", "Where backups are: a folder, or s3://BUCKET/PREFIX."),
            Variable(
                "BACKUP_RECIPIENTS",
                "<unset>",
                "File with the public keys (age1...) for which backups are encrypted, one a line.",
            ),
            Variable(
                "BACKUP_IDENTITY",
                "<unset>",
                "The private key (AGE-SECRET-KEY-1...) that opens backups; only verify and restore need it.",
                secret=True,
            ),
            Variable(
                "BACKUP_MANIFEST_KEY",
                "<unset: manifests are not signed>",
                "Signs the manifests of backups, and refuses others; at least 32 characters.",
                secret=True,
            ),
            Variable(
                "BACKUP_SCHEDULE",
                "0 3 * * *",
                "When `mosafe backup schedule` makes backups: a cron expression in UTC, or an interval such as 6h.",
            ),
            Variable(
                "BACKUP_KEEP",
                "daily=7,weekly=4,monthly=12",
                "Of how many last hours, days, weeks and months the newest backup is kept.",
            ),
        ),
    ),
    Section(
        "Account and transaction service: events",
        (
            Variable(
                "KAFKA_BROKERS",
                "<unset: events stay in the outbox>",
                "Kafka brokers that get the events of accounts and transactions: host:port, several with commas.",
            ),
        ),
    ),
    Section(
        "Shared servers; a process that does not use one ignores it",
        (
            Variable(
                "REDIS_URL",
                "<unset: embedded>",
                "Redis for ended sessions, rate limits, a cache of accounts, windows of the fraud rules, nonces of"
                " signed requests.",
                secret=True,
            ),
        ),
    ),
)

VARIABLES: Final = VariableTable(SECTIONS)
