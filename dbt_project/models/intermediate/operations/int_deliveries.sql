-- The ledger of deliveries as far as tonight knows it.
with deliveries as (

    select * from {{ source('deliveries', 'deliveries') }}

),

tonight as (

    select * from {{ ref('int_tonight') }}

),

known as (

    select
        deliveries.load_date,
        deliveries.source,
        deliveries.table_name,
        deliveries.business_date,
        deliveries.sequence,
        deliveries.source_file,
        deliveries.source_sha256,
        deliveries.status,
        deliveries.reason,
        deliveries.control_row_count,
        deliveries.control_total_fen,
        deliveries.row_count,
        deliveries.total_fen,
        deliveries.kept_total_fen,
        deliveries.quarantined_count as refused_count,
        deliveries.quarantined_total_fen as refused_total_fen
    from deliveries
    inner join tonight on deliveries.load_date <= tonight.business_date

)

select * from known
