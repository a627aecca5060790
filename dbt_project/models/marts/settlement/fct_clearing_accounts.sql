-- A clearing account of each business, channel and business day: what the tills took less what the channel billed. What
-- is not zero stands in fct_settlement_exceptions, payment by payment.
with matches as (

    select * from {{ ref('int_channel_matches') }}

),

accounts as (

    select
        business,
        channel as flow,
        business_date,
        cast(count_if(is_at_till) as bigint) as till_count,
        cast(count_if(is_in_bill) as bigint) as bill_count,
        cast(sum(till_fen) as bigint) as till_fen,
        cast(sum(bill_fen) as bigint) as bill_fen,
        cast(sum(fee_fen) as bigint) as fee_fen,
        cast(sum(till_fen) - sum(bill_fen) as bigint) as open_fen,
        cast(count_if(reason is not null) as bigint) as exception_count
    from matches
    group by business, channel, business_date

)

select * from accounts
