with tonight as (

    select * from {{ ref('int_tonight') }}

),

posted as (

    select * from {{ ref('int_posted__tier_changes') }}

),

changes as (

    select change_id, posted_date, {{ tier_change_columns('posted') }}, is_reversal
    from posted
    union all
    select
        change_id,
        (select business_date from tonight) as posted_date,
        {{ tier_change_columns('tonights') }},
        is_reversal
    from {{ ref('int_tier_postings') }} as tonights

)

select * from changes
