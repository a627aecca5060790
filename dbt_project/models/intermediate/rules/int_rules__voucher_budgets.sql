-- Budgets of funders, as parties: what `own_business` stands for is the business that took the vouchers.
with rules as (

    {{ written_tonight(source('rules', 'voucher_budgets')) }}

),

named as (

    select
        business,
        programme,
        programme_name,
        case funder when 'own_business' then business else funder end as funder_party,
        case rest when 'own_business' then business else rest end as rest_party,
        budget_fen,
        valid_from_date,
        coalesce(valid_until_date, cast('9999-12-31' as date)) as valid_until_date,
        rule_id
    from rules

)

select * from named
