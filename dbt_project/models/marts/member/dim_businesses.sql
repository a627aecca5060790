with businesses as (

    select * from {{ ref('int_rules__businesses') }}

)

select * from businesses
