{#- Whether a lot was brought from a system before this one; also if it is a renewed piece of such a lot. Its points
    were never paid into the fund: whoever takes them is paid by their issuer. -#}
{% macro is_opening_lot(lot_id) %}coalesce({{ lot_id }} like 'opening/%', false){% endmacro %}
{#- Whether a points entry moves money. What a business takes of its own opening lots moves none; an opening lot that
    repays a debt does, for the fund has paid for that debt. -#}
{% macro moves_money(entries) -%}
    case
        when {{ entries }}.entry_type = 'debt_repayment' then {{ is_opening_lot(entries ~ '.lot_id') }}
        when {{ is_opening_lot(entries ~ '.lot_id') }} and {{ entries }}.issuer_business = {{ entries }}.settling_business
            then false
        else {{ entries }}.entry_type in (
            'accrual', 'release', 'claw_back', 'claw_back_debt', 'redemption', 'redemption_debt', 'restore',
            'restore_debt')
    end
{%- endmacro %}
