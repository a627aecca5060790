{#- What makes two settlement lines of merchants the same, in the order of their key. -#}
{% macro merchant_line_content() -%}
    {{ return(['business_date', 'movement_type', 'payer_party', 'payee_party', 'source', 'account_id', 'activity_id',
        'rule_id', 'tax_treatment', 'tax_per_mille']) }}
{%- endmacro %}
{#- What is derived less what was posted of the same content. Of a document it says what is derived; of what is not
    derived any more, what was posted. -#}
{% macro line_differences(derived, posted) -%}
    {%- set content = merchant_line_content() | join(', ') -%}
    select
        {{ content }},
        sum(signed_fen) as difference_fen,
        sum(signed_micro_fen) as difference_micro_fen,
        sum(signed_tax_fen) as difference_tax_fen,
        coalesce(max(case when is_derived then document_no end), max(document_no)) as document_no,
        coalesce(max(case when is_derived then unit_id end), max(unit_id)) as unit_id,
        coalesce(max(case when is_derived then order_fen end), max(order_fen)) as order_fen,
        min(source_file) as source_file,
        min(source_row) as source_row
    from (
        select
            {{ content }},
            amount_fen as signed_fen,
            rounding_micro_fen as signed_micro_fen,
            tax_fen as signed_tax_fen,
            document_no,
            unit_id,
            order_fen,
            true as is_derived,
            source_file,
            source_row
        from {{ derived }}
        union all
        select
            business_date,
            movement_type,
            case when is_reversal then payee_party else payer_party end as payer_party,
            case when is_reversal then payer_party else payee_party end as payee_party,
            source,
            account_id,
            activity_id,
            rule_id,
            tax_treatment,
            tax_per_mille,
            -({{ signed('amount_fen') }}) as signed_fen,
            -({{ signed('rounding_micro_fen') }}) as signed_micro_fen,
            -({{ signed('tax_fen') }}) as signed_tax_fen,
            document_no,
            unit_id,
            order_fen,
            false as is_derived,
            source_file,
            source_row
        from {{ posted }}
    ) as both_sides
    group by {{ content }}
{%- endmacro %}
{#- The same of lines of which nothing was posted and no two are of the same content: most lines of most nights, and to
    group them takes more memory than all else. -#}
{% macro first_differences(derived) -%}
    select
        {{ merchant_line_content() | join(', ') }},
        amount_fen as difference_fen,
        rounding_micro_fen as difference_micro_fen,
        tax_fen as difference_tax_fen,
        document_no,
        unit_id,
        order_fen,
        source_file,
        source_row
    from {{ derived }}
{%- endmacro %}
{#- Merchants' lines that differences post. A line that takes posted money back is a reversal, the other way round.
    `entry_id` stays the same whenever the content is posted. Tax may differ where no money does: a refund that came late
    shifts a fen between the refunds after it. -#}
{% macro lines_of_differences(differences) -%}
    select
        md5('line|' || entry_id || '|' || cast(tonight.business_date as string)) as line_id,
        entry_id,
        differences.business_date,
        movement_type,
        case when is_more then payer_party else payee_party end as payer_party,
        case when is_more then payee_party else payer_party end as payee_party,
        cast(0 as bigint) as points,
        cast(0 as bigint) as unit_price_micro_fen,
        cast(abs(difference_fen) as bigint) as amount_fen,
        cast(case when is_more then difference_micro_fen else -difference_micro_fen end as bigint)
            as rounding_micro_fen,
        tax_treatment,
        tax_per_mille,
        cast(case when is_more then difference_tax_fen else -difference_tax_fen end as bigint) as tax_fen,
        not is_more as is_reversal,
        source,
        account_id,
        activity_id,
        cast(null as string) as lot_id,
        cast(null as string) as issuer_business,
        cast(null as string) as redeemer_business,
        rule_id,
        document_no,
        unit_id,
        order_fen,
        source_file,
        source_row
    from (
        select
            *,
            {{ row_key(merchant_line_content()) }} as entry_id,
            difference_fen > 0 or (difference_fen = 0 and difference_tax_fen > 0) as is_more
        from {{ differences }}
        where difference_fen <> 0 or difference_tax_fen <> 0
    ) as differences
    cross join {{ ref('int_tonight') }} as tonight
{%- endmacro %}
