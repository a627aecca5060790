-- How far each source has come, and whether what is published of its business is provisional.
with calendar as (

    select
        source,
        max(case when not is_gap then load_date end) as last_load_date,
        max(case when not is_gap then business_date end) as last_delivered_date,
        count_if(is_gap) as gap_count
    from {{ ref('fct_delivery_calendar') }}
    group by source

),

businesses as (

    select
        source,
        max(business) as business
    from {{ source('deliveries', 'expected') }}
    where load_date <= (select business_date from {{ ref('int_tonight') }})
    group by source

),

happened as (

    select
        source,
        max(business_date) as last_business_date
    from {{ ref('int_activities') }}
    group by source

),

freshness as (

    select
        businesses.source,
        businesses.business,
        calendar.last_load_date,
        calendar.last_delivered_date,
        happened.last_business_date,
        cast(calendar.gap_count as bigint) as gap_count,
        calendar.gap_count > 0 as is_provisional
    from businesses
    inner join calendar on businesses.source = calendar.source
    left join happened on businesses.source = happened.source

)

select * from freshness
