-- What the fold says about touched members tonight, with a key over everything that makes two entries the same.
with derived as (

    {{ written_tonight(source('ledger', 'points_entries')) }}

),

keyed as (

    select
        {{ row_key([
            'entry_type', 'source', 'account_id', 'activity_id', 'lot_id', 'parent_lot_id', 'debt_activity_id',
            'business_date', 'issuer_business', 'redeemer_business', 'settling_business', 'price_date',
            'expires_on_date', 'release_on_date', 'rule_id', 'from_party', 'to_party']) }} as entry_key,
        derived.*
    from derived

)

select * from keyed
