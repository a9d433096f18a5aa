/**
 * Makes sure that dates and numbers can be written at all.
 *
 * With `LANG=C` WebKitGTK reports the language "C", which no `Intl` constructor
 * takes: the first library that formats something then takes the whole window
 * down. This runs before anything else loads, and so imports nothing.
 */
export function guardLocale(host: { navigator: Navigator, Intl: typeof Intl } = globalThis as never) {
  const fallback = 'en'
  if (!isUsable(host.navigator.language)) {
    define(host.navigator, 'language', fallback)
    define(host.navigator, 'languages', [fallback])
  }
  for (const name of ['NumberFormat', 'DateTimeFormat', 'RelativeTimeFormat', 'Collator', 'PluralRules', 'ListFormat'] as const) {
    const Original = host.Intl[name] as unknown as new (locale?: unknown, options?: unknown) => object
    if (constructs(() => new Original())) continue
    define(host.Intl, name, new Proxy(Original, {
      construct: (target, [locale, options]: unknown[], self) => Reflect.construct(target, [locale ?? fallback, options], self) as object,
      apply: (target, _self, [locale, options]: unknown[]) => new target(locale ?? fallback, options),
    }))
  }
}

function isUsable(tag: string | undefined) {
  return tag !== undefined && constructs(() => new Intl.NumberFormat(tag))
}

function constructs(make: () => unknown) {
  try {
    make()
    return true
  }
  catch {
    return false
  }
}

function define(target: object, name: string, value: unknown) {
  Object.defineProperty(target, name, { value, configurable: true, writable: true })
}
