-- What the tier fold derived tonight for touched members.
with periods as (

    select * from {{ source('ledger', 'tier_periods') }}

),

tonight as (

    select * from {{ ref('int_tonight') }}

),

derived as (

    select periods.*
    from periods
    inner join tonight on periods.load_date = tonight.business_date

)

select * from derived
