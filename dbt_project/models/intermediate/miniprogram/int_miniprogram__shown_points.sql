with shown as (

    select * from {{ ref('stg_miniprogram__shown_points') }}

),

activities as (

    select
        {{ activity_id('miniprogram', 'order', 'order_no') }} as activity_id,
        'miniprogram' as source,
        order_no as document_no,
        account_id,
        business_date,
        shown_points
    from shown

)

select * from activities
