-- What finance is to pay to merchants tonight, a proposal: of each payer and merchant, what was posted up to the end of the last
-- cycle of the merchant's contract and is not paid yet. What is held back is due again with the next cycle, since nothing but a
-- payment takes it away.
with tonight as (

    select business_date from {{ ref('int_tonight') }}

),

contracts as (

    select * from {{ ref('int_payout_terms') }}

),

posted as (

    select
        party,
        counterparty,
        posted_date,
        receivable_fen - payable_fen as moved_fen,
        0 as payments_fen
    from {{ ref('int_settlement_sides') }}
    union all
    select
        party,
        counterparty,
        cast(null as date) as posted_date,
        0 as moved_fen,
        payments_fen
    from {{ ref('int_payment_sides') }}

),

owed as (

    select
        posted.counterparty as payer_party,
        posted.party as payee_party,
        sum(posted.moved_fen + posted.payments_fen) as balance_fen,
        sum(case when posted.posted_date > contracts.cycle_end_date then posted.moved_fen else 0 end) as not_yet_due_fen
    from posted
    inner join contracts on posted.party = contracts.party
    group by posted.counterparty, posted.party

),

due as (

    select
        *,
        balance_fen - not_yet_due_fen as due_fen
    from owed
    where balance_fen <> 0 or not_yet_due_fen <> 0

),

judged as (

    select
        tonight.business_date,
        due.payer_party,
        due.payee_party,
        contracts.business,
        contracts.merchant_id,
        contracts.merchant_name,
        contracts.rule_id,
        contracts.settlement_cycle,
        contracts.cycle_end_date,
        {{ add_days('contracts.cycle_end_date', '1') }} as due_date,
        due.balance_fen,
        due.not_yet_due_fen,
        due.due_fen,
        contracts.minimum_payout_fen,
        case
            when due.due_fen < 0 and due.balance_fen >= 0 then 'paid_ahead'
            when due.due_fen < 0 then 'owed_by_merchant'
            when due.due_fen > 0 and due.payer_party like 'suspense/%' then 'in_suspense'
            when due.due_fen > 0 and contracts.rule_id is null then 'no_contract'
            when due.due_fen > 0 and due.due_fen < contracts.minimum_payout_fen then 'below_minimum'
        end as held_reason
    from due
    cross join tonight
    inner join contracts on due.payee_party = contracts.party

),

payouts as (

    select
        business_date,
        payer_party,
        payee_party,
        business,
        merchant_id,
        merchant_name,
        rule_id,
        settlement_cycle,
        cycle_end_date,
        due_date,
        cast(balance_fen as bigint) as balance_fen,
        cast(not_yet_due_fen as bigint) as not_yet_due_fen,
        cast(due_fen as bigint) as due_fen,
        minimum_payout_fen,
        cast(case when held_reason is null then due_fen else 0 end as bigint) as payout_fen,
        cast(case when held_reason is null then 0 else due_fen end as bigint) as held_fen,
        held_reason
    from judged

)

select * from payouts
