"""Authentication, authorisation, auditing of accounts (paper section 4.3.3, "3A").

Who may call which route is stated by the routes (`gateway.rest.caller`); here is who somebody is: accounts
with a role and the flags expired, locked and enabled (paper figure 14), passwords, sessions, invitations,
and the log of every operation. Wallets are no accounts: they sign, and `gateway.transaction` checks.
"""
