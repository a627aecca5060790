{#- The rows that count tonight: of each key the newest version on which all rows that carry it agree (ingest/versions.py
    says what is newer), by the row that said so first. Raw partitions of later nights (a crashed run of tomorrow) are
    not seen. Of a table that makes activities, only the rows of the `document`s in `touched`; a row that moved from one
    document to another counts in the later one alone. Most keys come once; only the others are compared and sorted. -#}
{% macro latest_version(relation, key, document=none, touched=none) %}
    with delivered as (

        select *
        from {{ relation }}
        where load_date <= (select business_date from {{ ref('int_tonight') }})
        {%- if document in key %}
            and {{ document }} in (select document_no from {{ touched }})
        {%- elif document %}
            and {{ key[0] }} in (
                select {{ key[0] }} from {{ relation }}
                where {{ document }} in (select document_no from {{ touched }})
            )
        {%- endif %}

    ),

    repeated as (

        select {{ key | join(', ') }} from delivered
        group by {{ key | join(', ') }}
        having count(*) > 1

    ),

    versions as (

        select delivered.*
        from delivered
        inner join repeated on {{ same_key('delivered', 'repeated', key) }}

    ),

    compared as (

        select
            *,
            min(_row_hash) over (partition by {{ key | join(', ') }}, _version) as lowest_hash,
            max(_row_hash) over (partition by {{ key | join(', ') }}, _version) as highest_hash
        from versions

    ),

    ranked as (

        select
            *,
            row_number() over (
                partition by {{ key | join(', ') }}
                order by _version desc, load_date, _source_file, _source_row
            ) as version_rank
        from compared
        where lowest_hash = highest_hash

    ),

    latest as (

        select * from ranked
        where version_rank = 1
        union all
        select
            delivered.*,
            _row_hash as lowest_hash,
            _row_hash as highest_hash,
            1 as version_rank
        from delivered
        left join repeated on {{ same_key('delivered', 'repeated', key) }}
        where repeated.{{ key[0] }} is null

    )

    select * from latest
    {%- if document and document not in key %}
    where {{ document }} in (select document_no from {{ touched }})
    {%- endif %}
{% endmacro %}
