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

expected as (

    select
        expected.source,
        expected.business,
        expected.policy,
        row_number() over (
            partition by expected.source order by expected.load_date desc, expected.business_date desc
        ) as place
    from {{ source('deliveries', 'expected') }} as expected
    inner join {{ ref('int_tonight') }} as tonight on expected.load_date <= tonight.business_date

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
        expected.source,
        expected.business,
        expected.policy,
        calendar.last_load_date,
        calendar.last_delivered_date,
        happened.last_business_date,
        cast(calendar.gap_count as bigint) as gap_count,
        calendar.gap_count > 0 and expected.policy <> 'note' as is_provisional
    from expected
    inner join calendar on expected.source = calendar.source
    left join happened on expected.source = happened.source
    where expected.place = 1

)

select * from freshness
