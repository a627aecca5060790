{{ config(materialized='table') }}

-- Every share of a payment beside what the channel's split bill says of it, and whether what is still open (above zero to
-- be split, below zero to be returned) may be instructed under the limits of tonight, else the first one that it breaks.
-- A bill line that nobody instructed has no status.
with tonight as (

    select * from {{ ref('int_tonight') }}

),

sides as (

    select
        coalesce(shares.business, billed.business) as business,
        coalesce(shares.channel, billed.channel) as channel,
        coalesce(shares.payment_no, billed.payment_no) as payment_no,
        coalesce(shares.receiver_party, billed.receiver_party) as receiver_party,
        coalesce(shares.business_date, billed.last_line_date) as business_date,
        shares.activity_id,
        shares.document_no,
        shares.payment_fen,
        shares.fee_fen,
        shares.refunded_fen,
        shares.split_fen,
        shares.payment_split_fen,
        shares.receiver_count,
        shares.period_month,
        shares.issued_date,
        shares.payment_no is not null as is_instructed,
        coalesce(billed.billed_fen, 0) as billed_fen,
        greatest(coalesce(shares.split_fen, 0), 0) - coalesce(billed.billed_fen, 0) as open_fen,
        billed.wechat_order_no,
        billed.first_split_date,
        billed.split_request_count,
        billed.return_request_count,
        billed.source_file,
        billed.source_row
    from {{ ref('int_split_shares') }} as shares
    full outer join {{ ref('int_payments__channel_splits') }} as billed
        on shares.business = billed.business
        and shares.channel = billed.channel
        and shares.payment_no = billed.payment_no
        and shares.receiver_party = billed.receiver_party

),

limited as (

    select
        sides.*,
        limits.rule_id,
        {{ divide_down('sides.payment_fen * limits.most_per_10000', '10000') }} as most_fen,
        limits.most_receivers,
        limits.most_requests,
        limits.split_within_days,
        limits.return_within_days,
        {{ days_between('sides.business_date', 'tonight.business_date') }} as age_days,
        {{ days_between('sides.first_split_date', 'tonight.business_date') }} as split_age_days,
        coalesce(max(sides.split_request_count) over (partition by sides.channel, sides.payment_no), 0) as split_requests,
        coalesce(max(sides.return_request_count) over (partition by sides.channel, sides.payment_no), 0) as return_requests
    from sides
    cross join tonight
    left join {{ ref('int_rules__split_limits') }} as limits
        on sides.channel = limits.channel
        and tonight.business_date >= limits.valid_from_date
        and tonight.business_date < limits.valid_until_date

),

instructions as (

    select
        *,
        case
            when not is_instructed then null
            when open_fen = 0 and billed_fen > 0 then 'split'
            when rule_id is null then 'not_agreed'
            when open_fen = 0 then 'nothing_to_split'
            when open_fen < 0 and split_age_days > return_within_days then 'return_too_late'
            when open_fen < 0 and return_requests >= most_requests then 'too_many_requests'
            when open_fen < 0 then 'return_ready'
            when age_days > split_within_days then 'too_late'
            when receiver_count > most_receivers then 'too_many_receivers'
            when split_requests >= most_requests then 'too_many_requests'
            when payment_split_fen > most_fen then 'above_ratio'
            when payment_split_fen > payment_fen - fee_fen - refunded_fen then 'above_payment'
            else 'ready'
        end as status
    from limited

)

select * from instructions
