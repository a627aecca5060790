{#- The rows that count tonight: of all versions of a key, the one delivered last. Raw partitions of later nights
    (a crashed run of tomorrow) are not seen. Of a table that makes activities, only the rows of the `document`s in
    `touched`; a row that moved from one document to another counts in the later one alone. -#}
{% macro latest_version(relation, key, document=none, touched=none) %}
    select *
    from (
        select
            *,
            row_number() over (
                partition by {{ key | join(', ') }}
                order by load_date desc, _source_file desc, _source_row desc
            ) as version_rank
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
    ) as versions
    where version_rank = 1
    {%- if document and document not in key %}
        and {{ document }} in (select document_no from {{ touched }})
    {%- endif %}
{% endmacro %}
