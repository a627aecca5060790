-- What a payment channel is to pay to each merchant of an order, checked against its limits before anybody sends it. An order
-- that was paid in several ways is split payment by payment, rounded down: what is left goes with the statement. When a payment
-- cannot be split any more, it stays until nothing of it is owed or the statement that pays it is frozen.
with tonight as (

    select * from {{ ref('int_tonight') }}

),

shares as (

    select
        payments.*,
        receivers.receiver_party,
        receivers.receiver_count,
        receivers.period_month,
        {{ divide_down('receivers.net_fen * payments.payment_fen', 'receivers.order_fen') }} as split_fen
    from {{ ref('int_split_payments') }} as payments
    inner join {{ ref('int_split_receivers') }} as receivers on payments.activity_id = receivers.activity_id

),

frozen as (

    select distinct
        period_month,
        party
    from {{ ref('int_closes') }}

),

limited as (

    select
        shares.*,
        limits.rule_id,
        sum(shares.split_fen) over (partition by shares.channel, shares.payment_no) as payment_split_fen,
        {{ divide_down('shares.payment_fen * limits.most_per_10000', '10000') }} as most_fen,
        limits.most_receivers,
        limits.split_within_days,
        {{ days_between('shares.business_date', 'tonight.business_date') }} as age_days,
        frozen.party is not null as is_on_frozen_statement
    from shares
    cross join tonight
    left join {{ ref('int_rules__split_limits') }} as limits
        on shares.channel = limits.channel
        and tonight.business_date >= limits.valid_from_date
        and tonight.business_date < limits.valid_until_date
    left join frozen
        on shares.period_month = frozen.period_month
        and shares.receiver_party = frozen.party

),

instructions as (

    select
        channel,
        payment_no,
        receiver_party,
        business,
        activity_id,
        business_date,
        payment_fen,
        fee_fen,
        cast(refunded_fen as bigint) as refunded_fen,
        cast(split_fen as bigint) as split_fen,
        case
            when rule_id is null then 'not_agreed'
            when split_fen <= 0 then 'nothing_to_split'
            when age_days > split_within_days then 'too_late'
            when receiver_count > most_receivers then 'too_many_receivers'
            when payment_split_fen > most_fen then 'above_ratio'
            when payment_split_fen > payment_fen - fee_fen - refunded_fen then 'above_payment'
            else 'ready'
        end as status,
        rule_id
    from limited
    where coalesce(age_days <= split_within_days, false)
        or (split_fen > 0 and not is_on_frozen_statement)

)

select * from instructions
