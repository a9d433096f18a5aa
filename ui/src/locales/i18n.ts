import { nextTick } from 'vue'
import { createI18n } from 'vue-i18n'

/** The languages that ship. */
export const LOCALES = ['en', 'de'] as const
export type AppLocale = (typeof LOCALES)[number]

const files = {
  en: () => import('./en.json'),
  de: () => import('./de.json'),
} satisfies Record<AppLocale, unknown>

/** The window's texts; a language is fetched from the bundle when it is first chosen. */
export const i18n = createI18n({ legacy: false, locale: 'en' as string, fallbackLocale: 'en', messages: {}, missingWarn: true, fallbackWarn: false })

/** Switches every text to `wanted`, or to English where we don't speak it. */
export async function setLocale(wanted: string) {
  const locale = LOCALES.find(known => wanted === known || wanted.startsWith(`${known}-`)) ?? 'en'
  if (!i18n.global.availableLocales.includes(locale)) {
    const { default: messages } = await files[locale]()
    i18n.global.setLocaleMessage(locale, messages as never)
  }
  i18n.global.locale.value = locale
  document.documentElement.lang = locale
  await nextTick()
}
