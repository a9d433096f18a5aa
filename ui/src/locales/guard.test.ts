import { describe, expect, it } from 'vitest'
import { guardLocale } from './guard'

/** A host whose language no `Intl` constructor takes, as WebKitGTK is under `LANG=C`. */
function brokenHost() {
  const navigator = { language: 'C', languages: ['C'] } as unknown as Navigator
  const NumberFormat = new Proxy(Intl.NumberFormat, {
    construct(target, [locale, options]: [string | undefined, object]) {
      if (locale === undefined) throw new RangeError('invalid language tag: C')
      return new target(locale, options)
    },
  })
  return { navigator, Intl: { ...Intl, NumberFormat, DateTimeFormat: Intl.DateTimeFormat, RelativeTimeFormat: Intl.RelativeTimeFormat, Collator: Intl.Collator, PluralRules: Intl.PluralRules, ListFormat: Intl.ListFormat } as unknown as typeof Intl }
}

describe('the locale guard', () => {
  it('replaces a language that cannot be used', () => {
    const host = brokenHost()

    guardLocale(host)

    expect(host.navigator.language).toBe('en')
    expect(host.navigator.languages).toEqual(['en'])
  })

  it('makes constructors work that threw without a locale', () => {
    const host = brokenHost()

    guardLocale(host)

    expect(new host.Intl.NumberFormat().format(1234)).toBe('1,234')
  })

  it('leaves a host alone that is in order', () => {
    const navigator = { language: 'de-AT', languages: ['de-AT'] } as unknown as Navigator

    guardLocale({ navigator, Intl })

    expect(navigator.language).toBe('de-AT')
  })
})
