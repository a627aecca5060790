-- When each merchant is paid and from which amount on, by the contract in force tonight: its own, else that of its category, else
-- that of all others; and the last day of its last whole cycle. Without a contract there is none. A cycle ends on a day if the
-- next one begins another: a week on Monday, half a month on the 1st and the 16th.
with merchants as (

    select * from {{ ref('int_merchant_parties') }}
    where party_kind = 'merchant'

),

contracts as (

    select contracts.*
    from {{ ref('int_rules__merchant_contracts') }} as contracts
    inner join {{ ref('int_tonight') }} as tonight
        on tonight.business_date >= contracts.valid_from_date
        and tonight.business_date < contracts.valid_until_date

),

tomorrow as (

    select {{ add_days('business_date', '1') }} as next_date
    from {{ ref('int_tonight') }}

),

cycles as (

    select 'daily' as settlement_cycle, next_date as start_date from tomorrow
    union all
    select 'weekly' as settlement_cycle, {{ week_of('next_date') }} as start_date from tomorrow
    union all
    select
        'half_monthly' as settlement_cycle,
        case
            when {{ days_between(month_of('next_date'), 'next_date') }} < 15 then {{ month_of('next_date') }}
            else {{ add_days(month_of('next_date'), '15') }}
        end as start_date
    from tomorrow
    union all
    select 'monthly' as settlement_cycle, {{ month_of('next_date') }} as start_date from tomorrow

),

chosen as (

    select
        merchants.party,
        merchants.business,
        merchants.merchant_id,
        merchants.party_name as merchant_name,
        coalesce(own.rule_id, of_category.rule_id, of_others.rule_id) as rule_id
    from merchants
    left join {{ ref('dim_merchants') }} as masters
        on merchants.business = masters.business
        and merchants.merchant_id = masters.merchant_id
    left join contracts as own
        on merchants.business = own.business
        and merchants.merchant_id = own.merchant_id
    left join contracts as of_category
        on merchants.business = of_category.business
        and masters.category = of_category.category
    left join contracts as of_others
        on merchants.business = of_others.business
        and of_others.merchant_id is null
        and of_others.category is null

),

terms as (

    select
        chosen.*,
        contracts.settlement_cycle,
        contracts.minimum_payout_fen,
        {{ add_days('cycles.start_date', '-1') }} as cycle_end_date
    from chosen
    left join contracts on chosen.rule_id = contracts.rule_id
    left join cycles on contracts.settlement_cycle = cycles.settlement_cycle

)

select * from terms
