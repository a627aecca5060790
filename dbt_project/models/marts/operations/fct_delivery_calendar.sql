-- Every delivery that was awaited or came: on time, late, missing, refused, or only a repetition of earlier bytes.
with expected as (

    select
        expected.source,
        expected.business_date,
        cast(1 as bigint) as sequence
    from {{ source('deliveries', 'expected') }} as expected
    inner join {{ ref('int_tonight') }} as tonight on expected.load_date <= tonight.business_date
    group by expected.source, expected.business_date

),

came as (

    select
        source,
        business_date,
        sequence,
        min(case when status <> 'refused' then load_date end) as load_date,
        count_if(status = 'refused') as refused_file_count,
        count_if(status = 'accepted' and row_count > 0) as new_file_count,
        count_if(status = 'duplicate_file') as repeated_file_count
    from {{ ref('int_deliveries') }}
    where sequence > 0
    group by source, business_date, sequence

),

joined as (

    select
        coalesce(came.source, expected.source) as source,
        coalesce(came.business_date, expected.business_date) as business_date,
        coalesce(came.sequence, expected.sequence) as sequence,
        came.load_date,
        coalesce(came.refused_file_count, 0) as refused_file_count,
        coalesce(came.new_file_count, 0) as new_file_count,
        coalesce(came.repeated_file_count, 0) as repeated_file_count
    from expected
    full outer join came
        on expected.source = came.source
        and expected.business_date = came.business_date
        and expected.sequence = came.sequence

),

calendar as (

    select
        source,
        business_date,
        sequence,
        load_date,
        case
            when load_date is null and refused_file_count > 0 then 'refused'
            when load_date is null then 'missing'
            when new_file_count = 0 and repeated_file_count > 0 then 'repeated'
            when sequence > 1 then 'correction'
            when load_date > business_date then 'late'
            else 'on_time'
        end as status,
        coalesce(
            load_date > min(load_date) over (
                partition by source
                order by business_date, sequence
                rows between 1 following and unbounded following
            ),
            false
        ) as is_out_of_order,
        load_date is null or (new_file_count = 0 and repeated_file_count > 0) as is_gap
    from joined

)

select * from calendar
