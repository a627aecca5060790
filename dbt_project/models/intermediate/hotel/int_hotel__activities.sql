-- The nights of a stay count on the first of its folios.
with folios as (

    select
        folios.*,
        stays.night_count,
        row_number() over (
            partition by folios.stay_no
            order by
                case when folios.original_folio_no is null then 0 else 1 end,
                folios.closed_at,
                folios.folio_no
        ) as folio_place
    from {{ ref('stg_hotel__folios') }} as folios
    left join {{ ref('stg_hotel__stays') }} as stays on folios.stay_no = stays.stay_no

),

movements as (

    select
        *,
        case when original_folio_no is null then 'stay' else 'refund' end as activity_type,
        {{ activity_id('hotel', 'folio', 'folio_no') }} as activity_id,
        {{ activity_id('hotel', 'folio', 'original_folio_no') }} as reverses_activity_id
    from folios
    union all
    select
        *,
        case when original_folio_no is null then 'points_redemption' else 'points_return' end as activity_type,
        {{ activity_id('hotel', 'points', 'folio_no') }} as activity_id,
        {{ activity_id('hotel', 'points', 'original_folio_no') }} as reverses_activity_id
    from folios
    where points_used <> 0

),

activities as (

    select
        activity_id,
        'hotel' as source,
        folio_no as document_no,
        account_id,
        activity_type,
        closed_at as occurred_at,
        business_date,
        reverses_activity_id,
        cast(null as string) as unit_id,
        cast(null as string) as merchant_id,
        channel as channel,
        cast(null as string) as category,
        case when activity_type in ('stay', 'refund') then gross_fen else 0 end as gross_fen,
        case when activity_type in ('stay', 'refund') then paid_fen else 0 end as paid_fen,
        case when activity_type in ('stay', 'refund') then 0 else abs(points_used) end as points,
        case when activity_type = 'stay' and folio_place = 1 then night_count end as quantity,
        source_file,
        source_row,
        load_date
    from movements

)

select * from activities
