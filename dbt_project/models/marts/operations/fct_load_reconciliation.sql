-- Every landing file: rows in = loaded + duplicate + quarantined, in rows and in fen (I6).
with deliveries as (

    select * from {{ source('deliveries', 'deliveries') }}

),

tonight as (

    select * from {{ ref('int_tonight') }}

),

reconciled as (

    select
        deliveries.load_date,
        deliveries.source,
        deliveries.table_name,
        deliveries.source_file,
        deliveries.source_sha256,
        deliveries.status,
        deliveries.row_count,
        deliveries.loaded_count,
        deliveries.duplicate_count,
        deliveries.quarantined_count,
        deliveries.control_row_count,
        deliveries.control_total_fen,
        deliveries.loaded_total_fen,
        deliveries.duplicate_total_fen,
        deliveries.quarantined_total_fen,
        deliveries.row_count = deliveries.control_row_count
            and deliveries.row_count
                = deliveries.loaded_count + deliveries.duplicate_count + deliveries.quarantined_count
            and coalesce(deliveries.control_total_fen, 0)
                = coalesce(deliveries.loaded_total_fen, 0) + coalesce(deliveries.duplicate_total_fen, 0)
                + coalesce(deliveries.quarantined_total_fen, 0) as is_balanced
    from deliveries
    inner join tonight on deliveries.load_date <= tonight.business_date

)

select * from reconciled
