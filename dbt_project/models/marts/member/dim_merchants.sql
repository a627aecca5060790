with merchants as (

    select * from {{ ref('stg_pos__merchants') }}

),

named as (

    select
        merchant_id,
        'mall' as business,
        merchant_name,
        category,
        floor,
        opened_date
    from merchants

)

select * from named
