-- What tonight's issues, redemptions and returns cost, by type, issuer and redeemer: by the price lists, and by the lines.
-- Whoever takes points is owed their whole price, within one legal entity what was deposited of it; an issue costs the
-- deposit.
with funded as (

    select * from {{ ref('int_funded_postings') }}
    where entry_type in ('accrual', 'release', 'redemption', 'redemption_debt', 'restore', 'restore_debt')

),

prices as (

    select * from {{ ref('int_rules__settlement_prices') }}

),

owed as (

    select
        funded.entry_type,
        coalesce(funded.issuer_business, '') as issuer_business,
        coalesce(funded.redeemer_business, '') as redeemer_business,
        funded.is_reversal,
        case
            when funded.entry_type in ('accrual', 'release')
                then {{ divide_down('prices.issue_price_micro_fen * funded.deposit_percent', '100') }}
            when funded.is_within_one_entity
                then {{ divide_down('prices.reimbursement_price_micro_fen * funded.deposit_percent', '100') }}
            else prices.reimbursement_price_micro_fen
        end * funded.points as owed_micro_fen,
        case when prices.rule_id is null then 1 else 0 end as unpriced_count,
        0 as settled_micro_fen
    from funded
    left join prices
        on coalesce(funded.issuer_business, funded.settling_business) = prices.issuer_business
        and coalesce(funded.settling_business, funded.issuer_business) = prices.redeemer_business
        and funded.price_date >= prices.valid_from_date
        and funded.price_date < prices.valid_until_date

),

lines as (

    select
        replace(movement_type, '_top_up', '') as entry_type,
        coalesce(issuer_business, '') as issuer_business,
        coalesce(redeemer_business, '') as redeemer_business,
        is_reversal,
        0 as owed_micro_fen,
        0 as unpriced_count,
        points * unit_price_micro_fen as settled_micro_fen
    from {{ ref('int_settlement_postings') }}
    where movement_type in (
        'accrual', 'release', 'redemption', 'redemption_top_up', 'redemption_debt', 'restore', 'restore_top_up',
        'restore_debt')

),

costs as (

    select
        entry_type,
        issuer_business,
        redeemer_business,
        is_reversal,
        sum(owed_micro_fen) as owed_micro_fen,
        sum(settled_micro_fen) as settled_micro_fen,
        sum(unpriced_count) as unpriced_count
    from (
        select * from owed
        union all
        select * from lines
    ) as both_sides
    group by entry_type, issuer_business, redeemer_business, is_reversal

)

select * from costs
