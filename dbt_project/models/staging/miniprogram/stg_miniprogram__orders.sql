with source as (

    select * from {{ source('miniprogram', 'orders') }}

),

latest as (
{{ latest_version('source', ['order_no'], 'order_no', ref('int_miniprogram__touched_documents')) }}
),

renamed as (

    select
        order_no,
        user_id as account_id,
        paid_at,
        business_date,
        category,
        gross_fen,
        paid_fen,
        refunded_order_no,
        _source_file as source_file,
        _source_row as source_row,
        load_date
    from latest

)

select * from renamed
