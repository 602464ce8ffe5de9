from chassis.settings import ServiceSettings


class AccountsSettings(ServiceSettings):
    # Four eyes: whoever entered an account does not also declare its data right.
    creators_may_verify: bool = False
    # Invoices to private people carry no tax number in most countries.
    persons_need_tax_number: bool = False
    # Rows per transaction of an import: large enough to amortise the commit, small enough to hold no lock for long.
    import_chunk: int = 100
    # Share of the time between two chunks that an import leaves to everybody else.
    import_rest: float = 0.25
