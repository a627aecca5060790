-- What a payment channel is to pay to each merchant of an order, checked against its limits before anybody sends it, and
-- what its split bill says that it has paid. What is settled leaves with the time in which it could be split. When a
-- payment cannot be split any more, it stays until nothing of it is owed or the statement that pays it is frozen.
with shares as (

    select * from {{ ref('int_split_instructions') }}
    where is_instructed

),

frozen as (

    select distinct
        period_month,
        party
    from {{ ref('int_closes') }}

),

instructions as (

    select
        shares.channel,
        shares.payment_no,
        shares.receiver_party,
        shares.business,
        shares.activity_id,
        shares.business_date,
        shares.payment_fen,
        shares.fee_fen,
        cast(shares.refunded_fen as bigint) as refunded_fen,
        cast(shares.split_fen as bigint) as split_fen,
        cast(shares.billed_fen as bigint) as billed_fen,
        cast(shares.open_fen as bigint) as open_fen,
        shares.status,
        shares.rule_id
    from shares
    left join frozen
        on shares.period_month = frozen.period_month
        and shares.receiver_party = frozen.party
    where coalesce(shares.age_days <= shares.split_within_days, false)
        or (shares.open_fen <> 0 and frozen.party is null)

)

select * from instructions
