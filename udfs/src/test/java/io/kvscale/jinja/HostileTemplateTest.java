package io.kvscale.jinja;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Templates come with models: they must not reach anything outside, nor exhaust memory or time. */
class HostileTemplateTest {
    @ParameterizedTest
    @ValueSource(
            strings = {
                "{{ ''.getClass() }}",
                "{{ ''.class }}{{ ''.class.forName('x') }}",
                "{{ ''['getClass']() }}",
                "{{ messages.getClass() }}",
                "{{ messages.size() }}",
                "{{ messages[0].entrySet() }}",
                "{{ messages[0].isEmpty() }}",
                "{{ ''.__class__ }}",
                "{{ messages.__init__ }}",
                "{{ namespace.__globals__ }}",
                "{{ raise_exception.call(1) }}",
                "{{ loop.items }}",
                "{% include '/etc/passwd' %}",
                "{% import 'x' as y %}",
                "{% from 'x' import y %}",
                "{% extends 'x' %}",
                "{{ messages.append(1) }}",
                "{{ messages[0].update(a=1) }}"
            })
    void nothingOutsideIsReached(String template) {
        assertThatThrownBy(() -> render(template)).isInstanceOf(TemplateException.class);
    }

    /** The limits count work, text, items and depth, so a busy machine does not change the outcome. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "{% for a in range(99999) %}{% for b in range(99999) %}{% for c in range(99999) %}x{% endfor %}{% endfor %}{% endfor %}",
                "{% set ns = namespace(s='x') %}{% for i in range(99) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
                "{% set ns = namespace(s='x') %}{% for i in range(99) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
                "{% set ns = namespace(s=[1]) %}{% for i in range(99) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
                "{% set ns = namespace(s='x') %}{% for i in range(99) %}{% set ns.s = ns.s|replace('x', 'xx') %}{% endfor %}",
                "{% set ns = namespace(s='x') %}{% for i in range(99) %}{% set ns.s = [ns.s, ns.s]|join %}{% endfor %}",
                "{% set ns = namespace(s=[]) %}{% for i in range(99) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s }}",
                "{% set ns = namespace(s=[]) %}{% for i in range(99) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s|tojson }}",
                "{% set ns = namespace(s=[]) %}{% for i in range(99) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{% set x = namespace(s=[]) %}{% for i in range(99) %}{% set x.s = [x.s, x.s] %}{% endfor %}{{ ns.s == x.s }}",
                "{% set ns = namespace(s=[]) %}{% for i in range(99) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{% set x = namespace(s=[]) %}{% for i in range(99) %}{% set x.s = [x.s, x.s] %}{% endfor %}{{ ns.s < x.s }}",
                "{{ ('x' * 60000000) | list }}",
                "{{ ('x,' * 30000000).split(',') }}",
                "{{ ('x,' * 30000000).rsplit(',') }}",
                "{{ ('x ' * 30000000).split() }}",
                "{% set ns = namespace(s=[]) %}{% for i in range(99999) %}{% set ns.s = [ns.s] %}{% endfor %}{{ ns.s }}",
                "{{ 'x' * 999999999999 }}",
                "{% for i in range(99999) %}{{ 'x' * 99999 }}{% endfor %}",
                "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
                "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(40) }}",
                "{% macro f() %}{% call f() %}{% endcall %}{{ caller }}{% endmacro %}{{ f() }}",
                "{% macro f(n) %}{{ caller() }}{% if n %}{% call f(n - 1) %}{{ f(n - 1, caller=f) }}{% endcall %}{% endif %}{% endmacro %}{{ f(40, caller=dict) }}",
                "{% macro f() %}{{ varargs | length }}{% endmacro %}{% for i in range(99999) %}{{ f(*range(99999)) }}{% endfor %}",
                "{{ 9 ** 9 ** 9 }}",
                "{{ range(100000000) }}",
                "{{ 'x' | indent(1000000000) }}{% for i in range(99999) %}{{ ('\\n' * 99999) | indent(1000, true, true) }}{% endfor %}",
                "{% set x = 'ab' * 9999999 %}{% for i in range(99999) %}{% if 'ba' * 5000000 in x %}y{% endif %}{% endfor %}",
                "{% set x = 'a' * 20000000 %}{{ x.find('a' * 9999999 + 'b') }}",
                "{% set x = 'a' * 2000000 %}{{ x.find('a' * 20000 + 'b') }}",
                "{% for i in range(99999) %}{% for j in range(99999) %}{% set x = range(99999) %}{% endfor %}{% endfor %}",
                "{% set x = 'x' * 60000000 %}{% for i in range(99999) %}{{ x | length }}{{ x[-1] }}{% endfor %}",
                "{% set x = [['x' * 9999999]] %}{% for i in range(99999) %}{% set y = x ~ '' %}{% endfor %}",
                "{% set x = ' ' * 9999999 %}{% for i in range(99999) %}{% set y = x | trim %}{% endfor %}"
            })
    void workAndMemoryAreBounded(String template) {
        Budget budget = new Budget();
        assertThatThrownBy(() -> render(template, budget))
                .isInstanceOf(TemplateException.class)
                .hasMessageMatching(".*(more work|a text above|a list above|more than \\d+ items|deep|64 bits"
                        + "|is undefined).*");
        assertThat(budget.work()).isLessThanOrEqualTo(Budget.MAX_WORK);
    }

    @Test
    void everyReplacementCountsAsWork() {
        String template = "{% set x = 'x' * 1000000 %}{% set y = x | replace('x', 'xx') %}";
        Budget budget = new Budget();
        render(template, budget);
        assertThat(budget.work()).isBetween(60_000_000L, 80_000_000L);
    }

    @Test
    void nestingIsBounded() {
        for (String nested : List.of(
                "{{ " + "(".repeat(100_000) + "1" + ")".repeat(100_000) + " }}",
                "{% if 1 %}".repeat(30_000) + "{% endif %}".repeat(30_000),
                "{{ " + "not ".repeat(100_000) + "1 }}",
                "{{ " + "1 + ".repeat(100_000) + "1 }}")) {
            assertThatThrownBy(() -> render(nested))
                    .isInstanceOf(TemplateException.class)
                    .hasMessageContaining("too deeply");
        }
    }

    @Test
    void errorsNameTheLine() {
        assertThatThrownBy(() -> render("a\n\n{{ nope.x }}")).hasMessage("'nope' is undefined, in line 3");
        assertThatThrownBy(() -> render("a\n{% foo %}"))
                .hasMessage("the tag 'foo' is not supported in chat templates, in line 2");
        assertThatThrownBy(() -> render("\n\n\n{{ 'x' | wordwrap }}"))
                .hasMessage("the filter 'wordwrap' is not supported in chat templates, in line 4");
    }

    @Test
    void today() {
        assertThat(render("{{ strftime_now('%d %b %Y, %A %B %H:%M:%S %y %m %a %j %%') }}"))
                .isEqualTo("26 Jul 2024, Friday July 00:00:00 24 07 Fri 208 %");
        assertThatThrownBy(() -> render("{{ strftime_now('%Q') }}")).isInstanceOf(TemplateException.class);
    }

    private static String render(String template) {
        return render(template, new Budget());
    }

    private static String render(String template, Budget budget) {
        return Template.parse(template)
                .render(Map.of("messages", List.of(Map.of("role", "user", "content", "hello"))), budget);
    }
}
