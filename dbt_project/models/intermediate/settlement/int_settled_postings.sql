-- Whether tonight's issues, redemptions and returns are settled: the lines of a redemption carry the whole price of a
-- point, but for the issuer's own share in points that its legal entity takes itself; an issue has a line if anything is
-- deposited for it.
with funded as (

    select * from {{ ref('int_funded_postings') }}

),

prices as (

    select * from {{ ref('int_rules__settlement_prices') }}

),

lines as (

    select
        entry_id,
        count(*) as line_count,
        max(points) as points,
        sum(unit_price_micro_fen) as settled_micro_fen
    from {{ ref('int_settlement_postings') }}
    group by entry_id

),

settled as (

    select
        funded.entry_id,
        funded.entry_type,
        coalesce(lines.points, funded.points) <> funded.points
            or case
                when funded.entry_type in ('accrual', 'release')
                    or (funded.is_within_one_entity and funded.deposit_percent < 100)
                    then coalesce(lines.line_count, 0) <> case when funded.deposit_percent > 0 then 1 else 0 end
                else lines.settled_micro_fen is distinct from prices.reimbursement_price_micro_fen
            end as is_unattributed
    from funded
    left join lines on funded.entry_id = lines.entry_id
    left join prices
        on coalesce(funded.issuer_business, funded.settling_business) = prices.issuer_business
        and coalesce(funded.settling_business, funded.issuer_business) = prices.redeemer_business
        and funded.price_date >= prices.valid_from_date
        and funded.price_date < prices.valid_until_date
    where funded.entry_type in (
        'accrual', 'release', 'redemption', 'redemption_debt', 'restore', 'restore_debt')

)

select * from settled
