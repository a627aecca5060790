with rules as (

    select * from {{ source('rules', 'settlement_prices') }}

),

tonight as (

    select * from {{ ref('int_tonight') }}

),

tonights_rules as (

    select
        rules.issuer_business,
        rules.redeemer_business,
        rules.issue_price_micro_fen,
        rules.reimbursement_price_micro_fen,
        rules.valid_from_date,
        coalesce(rules.valid_until_date, cast('9999-12-31' as date)) as valid_until_date,
        rules.rule_id
    from rules
    inner join tonight on rules.load_date = tonight.business_date

)

select * from tonights_rules
