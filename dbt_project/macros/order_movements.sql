{#- The movements of a merchant's orders, beside those of points: what each of a sale's parts is called, and, with
    `_refund`, when it goes back. -#}
{% macro is_order_movement(movement_type) -%}
    {{ movement_type }} in (
        'sale', 'sale_refund', 'points_tender', 'points_tender_refund', 'voucher_subsidy', 'voucher_subsidy_refund',
        'commission', 'commission_refund', 'channel_fee', 'channel_fee_refund', 'minimum_guarantee',
        'budget_excess', 'budget_excess_refund'
    )
{%- endmacro %}
{#- Whether the merchant pays: its commission and fees, and what a refund takes back of its sale. In brackets, because it
    is compared, and Spark reads `a in (…) <> b` no other way. -#}
{% macro is_paid_by_merchant(movement_type) -%}
    ({{ movement_type }} in (
        'sale_refund', 'points_tender_refund', 'voucher_subsidy_refund', 'commission', 'channel_fee', 'minimum_guarantee'
    ))
{%- endmacro %}
{#- Whether it is what the business charges the merchant, or gives back of it. -#}
{% macro is_charge(movement_type) -%}
    {{ movement_type }} in ('commission', 'commission_refund', 'channel_fee', 'channel_fee_refund', 'minimum_guarantee')
{%- endmacro %}
{#- The party on the merchant's side of a line, whichever way the money goes. -#}
{% macro merchant_side(lines) -%}
    case
        when {{ is_paid_by_merchant(lines ~ '.movement_type') }} <> {{ lines }}.is_reversal then {{ lines }}.payer_party
        else {{ lines }}.payee_party
    end
{%- endmacro %}
{#- The party across from the merchant. -#}
{% macro other_side(lines) -%}
    case
        when {{ is_paid_by_merchant(lines ~ '.movement_type') }} <> {{ lines }}.is_reversal then {{ lines }}.payee_party
        else {{ lines }}.payer_party
    end
{%- endmacro %}
{#- Who supplies what a line pays for, and so is taxed by its own status: the payee, or the payer of what goes back. -#}
{% macro supplier(lines) -%}
    case
        when ({{ lines }}.movement_type like 'restore%' or {{ lines }}.movement_type like 'claw_back%'
            or {{ lines }}.movement_type = 'deposit_return') <> {{ lines }}.is_reversal then {{ lines }}.payer_party
        else {{ lines }}.payee_party
    end
{%- endmacro %}
{#- Whether a line, which may cite several rules divided by a blank, cites one. -#}
{% macro cites(rule_ids, rule_id) -%}
    position(' ' || {{ rule_id }} || ' ' in ' ' || {{ rule_ids }} || ' ') > 0
{%- endmacro %}
{#- An amount of a line as a sum of such movements counts it: what goes back, and what was reversed, against it. -#}
{% macro counted(amount, lines) -%}
    case
        when ({{ lines }}.movement_type like '%refund') <> {{ lines }}.is_reversal then -{{ amount }} else {{ amount }}
    end
{%- endmacro %}
{#- Whether a business takes money for merchants. -#}
{% macro takes_for_merchants(business) -%}
    {{ business }} in ('{{ var('order_items') | join("', '") }}')
{%- endmacro %}
