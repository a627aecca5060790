{#- The rows that count tonight: of each key the newest version on which all rows that carry it agree (ingest/versions.py
    says what is newer), by the row that said so first. Raw partitions of later nights (a crashed run of tomorrow) are
    not seen. Of a table that makes activities, only the rows of the `document`s in `touched`; a row that moved from one
    document to another counts in the later one alone. -#}
{% macro latest_version(relation, key, document=none, touched=none) %}
    select *
    from (
        select
            *,
            row_number() over (
                partition by {{ key | join(', ') }}
                order by _version desc, load_date, _source_file, _source_row
            ) as version_rank
        from (
            select
                *,
                min(_row_hash) over (partition by {{ key | join(', ') }}, _version) as lowest_hash,
                max(_row_hash) over (partition by {{ key | join(', ') }}, _version) as highest_hash
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
        ) as delivered
        where lowest_hash = highest_hash
    ) as versions
    where version_rank = 1
    {%- if document and document not in key %}
        and {{ document }} in (select document_no from {{ touched }})
    {%- endif %}
{% endmacro %}
