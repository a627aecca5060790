with reconciliation as (

    select * from {{ ref('fct_load_reconciliation') }}

),

activities as (

    select * from {{ ref('int_activities') }}

),

delivered as (

    select
        source,
        max(load_date) as last_load_date
    from reconciliation
    group by source

),

happened as (

    select
        source,
        max(business_date) as last_business_date
    from activities
    group by source

),

freshness as (

    select
        delivered.source,
        delivered.last_load_date,
        happened.last_business_date
    from delivered
    left join happened on delivered.source = happened.source

)

select * from freshness
