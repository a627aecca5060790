{#- What a points entry settles with the fund, or beside it with the issuer of its lot; NULL if nothing. Where nothing
    was deposited the issuer pays under the name of the movement itself; the rest of a deposit has a name of its own, so
    that every movement counts the points of an entry once. Within one legal entity an issuer owes nothing. -#}
{% macro settled_movement(entries, is_fund) -%}
    case
        when {{ is_fund }} and {{ entries }}.entry_type = 'expiry'
            then case when {{ entries }}.deposit_percent * {{ entries }}.returned_percent > 0 then 'deposit_return' end
        when {{ is_fund }} and {{ entries }}.deposit_percent > 0
            and {{ entries }}.entry_type in (
                'accrual', 'release', 'claw_back', 'claw_back_debt', 'redemption', 'redemption_debt', 'restore',
                'restore_debt')
            then {{ entries }}.entry_type
        when {{ is_fund }} or {{ entries }}.deposit_percent = 100 then null
        when {{ entries }}.entry_type = 'debt_repayment' then {{ entries }}.entry_type
        when {{ entries }}.entry_type not in ('claw_back', 'redemption', 'restore')
            or {{ entries }}.is_within_one_entity then null
        when {{ entries }}.deposit_percent = 0 then {{ entries }}.entry_type
        else {{ entries }}.entry_type || '_top_up'
    end
{%- endmacro %}
{#- The part of a price that a line carries, in micro-fen for each point: the fund's is the share deposited, rounded down,
    the issuer's all that is left; of points that lapse it is what returns of the deposit. -#}
{% macro share_of_price(price) -%}
    case
        when movement_type = 'deposit_return'
            then {{ divide_down('(' ~ price ~ ') * deposit_percent * returned_percent', '10000') }}
        when is_fund then {{ divide_down('(' ~ price ~ ') * deposit_percent', '100') }}
        else ({{ price }}) - {{ divide_down('(' ~ price ~ ') * deposit_percent', '100') }}
    end
{%- endmacro %}
