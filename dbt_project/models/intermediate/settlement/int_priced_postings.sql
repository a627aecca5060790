-- Tonight's points entries that move money, with payer, payee and price (RULES §7). Of each price the fund pays or is
-- paid the share that the lot's issuer has deposited, and the issuer the rest: all of it under pool funding (pending
-- points when they are released), nothing under bilateral funding and for opening lots. What is taken back goes the
-- other way. A debt was paid by the fund, so the issuer of the lot that repays it pays the fund what it has not yet.
with funded as (

    select * from {{ ref('int_funded_postings') }}

),

prices as (

    select * from {{ ref('int_rules__settlement_prices') }}

),

fund as (

    select * from {{ ref('int_rules__fund') }}

),

payers as (

    select
        true as is_fund
    union all
    select
        false as is_fund

),

shared as (

    select
        funded.*,
        payers.is_fund,
        coalesce(settling_business, issuer_business) as business,
        case
            when entry_type in ('redemption', 'restore') then issuer_business
            else coalesce(settling_business, issuer_business)
        end as price_issuer,
        case when payers.is_fund or entry_type = 'debt_repayment' then fund.party else issuer_business end
            as other_party,
        entry_type not in ('redemption', 'redemption_debt', 'restore', 'restore_debt') as is_at_issue_price,
        (entry_type in ('accrual', 'release', 'restore', 'restore_debt', 'debt_repayment')) <> is_reversal
            as is_paid_by_business,
        {{ settled_movement('funded', 'payers.is_fund') }} as movement_type
    from funded
    cross join payers
    cross join fund

),

priced as (

    select
        shared.*,
        case when is_paid_by_business then shared.business else shared.other_party end as payer_party,
        case when is_paid_by_business then shared.other_party else shared.business end as payee_party,
        {{ share_of_price(
            'case when is_at_issue_price then prices.issue_price_micro_fen'
            ~ ' else prices.reimbursement_price_micro_fen end') }} as unit_price_micro_fen,
        prices.rule_id as price_rule_id
    from shared
    left join prices
        on shared.price_issuer = prices.issuer_business
        and shared.business = prices.redeemer_business
        and shared.price_date >= prices.valid_from_date
        and shared.price_date < prices.valid_until_date
    where shared.movement_type is not null

)

select * from priced
