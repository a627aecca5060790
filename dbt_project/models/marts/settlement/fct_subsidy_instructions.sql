-- What a payment channel is to add to a merchant of an order for what others bear of its vouchers, before the payment is
-- split: one for a payment, up to the channel's limit. It goes with the greatest payment of the order, to the merchant of
-- which others bear most. Of an order that was known before its payment was split it is taken to be sent. What the channel
-- cannot add stays until the statement that pays it is frozen.
with tonight as (

    select * from {{ ref('int_tonight') }}

),

payments as (

    select
        payments.*,
        row_number() over (
            partition by payments.activity_id order by payments.payment_fen desc, payments.channel, payments.payment_no
        ) as payment_rank
    from {{ ref('int_split_payments') }} as payments

),

first_splits as (

    select
        channel,
        payment_no,
        min(first_split_date) as first_split_date
    from {{ ref('int_payments__channel_splits') }}
    group by channel, payment_no

),

frozen as (

    select distinct
        period_month,
        party
    from {{ ref('int_closes') }}

),

subsidies as (

    select
        payments.channel,
        payments.payment_no,
        subsidies.receiver_party,
        payments.business,
        payments.activity_id,
        payments.business_date,
        cast(subsidies.subsidy_fen as bigint) as subsidy_fen,
        case
            when limits.rule_id is null then 'not_agreed'
            when greatest(subsidies.first_posted_date, payments.billed_on) >= first_splits.first_split_date then 'after_split'
            when row_number() over (
                partition by payments.channel, payments.payment_no
                order by subsidies.subsidy_fen desc, subsidies.receiver_party
            ) > 1 then 'second_of_payment'
            when subsidies.subsidy_fen > limits.most_subsidy_fen then 'above_limit'
            when first_splits.first_split_date is not null then 'sent'
            when {{ days_between('payments.business_date', 'tonight.business_date') }} > limits.split_within_days then 'too_late'
            else 'ready'
        end as status,
        limits.rule_id,
        frozen.party is not null as is_on_frozen_statement
    from {{ ref('int_subsidised_orders') }} as subsidies
    inner join payments
        on subsidies.activity_id = payments.activity_id
        and payments.payment_rank = 1
    cross join tonight
    left join {{ ref('int_rules__split_limits') }} as limits
        on payments.channel = limits.channel
        and tonight.business_date >= limits.valid_from_date
        and tonight.business_date < limits.valid_until_date
    left join first_splits
        on payments.channel = first_splits.channel
        and payments.payment_no = first_splits.payment_no
    left join frozen
        on subsidies.period_month = frozen.period_month
        and subsidies.receiver_party = frozen.party
    where subsidies.subsidy_fen > 0

),

instructions as (

    select
        channel,
        payment_no,
        receiver_party,
        business,
        activity_id,
        business_date,
        subsidy_fen,
        status,
        rule_id
    from subsidies
    where status <> 'sent' and (status = 'ready' or not is_on_frozen_statement)

)

select * from instructions
