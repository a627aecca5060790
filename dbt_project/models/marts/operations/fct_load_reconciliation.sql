-- Every landing file: rows in = loaded + duplicate + superseded + quarantined, in rows and in fen (I6). What a file held
-- and what was refused at the door is written down by the load; the rest is counted in what the lake holds now.
with deliveries as (

    select * from {{ ref('int_deliveries') }}
    where status <> 'released'

),

releases as (

    select
        source,
        source_file,
        sum(refused_count) as quarantined_count,
        sum(refused_total_fen) as quarantined_total_fen,
        sum(kept_total_fen + refused_total_fen) as adjusted_total_fen
    from {{ ref('int_deliveries') }}
    where status = 'released'
    group by source, source_file

),

outcomes as (

    select * from {{ ref('int_row_outcomes') }}

),

counted as (

    select
        deliveries.*,
        coalesce(outcomes.loaded_count, 0) as loaded_count,
        case when deliveries.status = 'duplicate_file' then deliveries.row_count else 0 end
            + coalesce(outcomes.duplicate_count, 0) as duplicate_count,
        coalesce(outcomes.superseded_count, 0) as superseded_count,
        coalesce(deliveries.refused_count, 0) + coalesce(releases.quarantined_count, 0)
            + coalesce(outcomes.quarantined_count, 0) as quarantined_count,
        coalesce(outcomes.loaded_total_fen, 0) as loaded_total_fen,
        case when deliveries.status = 'duplicate_file' then coalesce(deliveries.total_fen, 0) else 0 end
            + coalesce(outcomes.duplicate_total_fen, 0) as duplicate_total_fen,
        coalesce(outcomes.superseded_total_fen, 0) as superseded_total_fen,
        coalesce(deliveries.refused_total_fen, 0) + coalesce(releases.quarantined_total_fen, 0)
            + coalesce(outcomes.quarantined_total_fen, 0) as quarantined_total_fen,
        coalesce(releases.adjusted_total_fen, 0) as adjusted_total_fen
    from deliveries
    left join outcomes
        on deliveries.source = outcomes.source
        and deliveries.source_file = outcomes.source_file
    left join releases
        on deliveries.source = releases.source
        and deliveries.source_file = releases.source_file

),

reconciled as (

    select
        load_date,
        source,
        table_name,
        business_date,
        sequence,
        source_file,
        source_sha256,
        status,
        reason,
        row_count,
        cast(loaded_count as bigint) as loaded_count,
        cast(duplicate_count as bigint) as duplicate_count,
        cast(superseded_count as bigint) as superseded_count,
        cast(quarantined_count as bigint) as quarantined_count,
        control_row_count,
        control_total_fen,
        cast(loaded_total_fen as bigint) as loaded_total_fen,
        cast(duplicate_total_fen as bigint) as duplicate_total_fen,
        cast(superseded_total_fen as bigint) as superseded_total_fen,
        cast(quarantined_total_fen as bigint) as quarantined_total_fen,
        cast(adjusted_total_fen as bigint) as adjusted_total_fen,
        status = 'refused' or (
            row_count = coalesce(control_row_count, row_count)
            and row_count = loaded_count + duplicate_count + superseded_count + quarantined_count
            and coalesce(total_fen, 0) = coalesce(control_total_fen, total_fen, 0)
            and coalesce(total_fen, 0) + adjusted_total_fen
            = loaded_total_fen + duplicate_total_fen + superseded_total_fen + quarantined_total_fen
        ) as is_balanced
    from counted

)

select * from reconciled
