with source as (

    select * from {{ source('tickets', 'orders') }}

),

latest as (
{{ latest_version('source', ['order_no'], 'order_no', ref('int_themepark__touched_documents')) }}
),

renamed as (

    select
        order_no,
        pass_no as account_id,
        ordered_at,
        business_date,
        gate_no,
        paid_fen,
        refunded_order_no,
        _source_file as source_file,
        _source_row as source_row,
        load_date
    from latest

)

select * from renamed
