from chassis.settings import ServiceSettings


class AccountsSettings(ServiceSettings):
    # Four eyes: whoever entered an account does not also declare its data right.
    creators_may_verify: bool = False
    # Invoices to private people carry no tax number in most countries.
    persons_need_tax_number: bool = False
    # Rows per transaction of an import: large enough to amortise the commit, small enough to hold no lock for long.
    import_chunk: int = 100
    # How long an import rests after a chunk, as a part of what the chunk has taken: the others' share of the machine.
    import_rest: float = 0.35
