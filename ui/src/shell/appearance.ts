import { useMediaQuery } from '@vueuse/core'
import { computed, watchEffect } from 'vue'
import { setLocale } from '@/locales/i18n'
import { useSettings } from '@/queries/installation'
import { useCurrentOrganization, useStylesheet } from '@/queries/organizations'
import { inkOf } from './brand'

const STYLE_ID = 'organization-stylesheet'

/** Lights the window as the settings say, and colours it as the open organization is. */
export function useAppearance() {
  const { data: settings } = useSettings()
  const { organization } = useCurrentOrganization()
  const { data: stylesheet } = useStylesheet()
  const systemDark = useMediaQuery('(prefers-color-scheme: dark)')
  const dark = computed(() => {
    const theme = settings.value?.theme ?? localStorage.getItem('flightdeck.theme') ?? 'system'
    return theme === 'dark' || (theme !== 'light' && systemDark.value)
  })

  watchEffect(() => {
    const root = document.documentElement
    root.classList.toggle('dark', dark.value)
    root.classList.toggle('light', !dark.value)
  })
  watchEffect(() => {
    if (!settings.value) return
    const { theme, locale, fontSize } = settings.value
    localStorage.setItem('flightdeck.theme', theme)
    localStorage.setItem('flightdeck.locale', locale)
    document.documentElement.style.setProperty('--font-size', `${fontSize}px`)
    void setLocale(locale)
  })
  watchEffect(() => {
    /* The core's stylesheet has the last word; until it is here, an ink that can be read. */
    const { style } = document.documentElement
    const color = organization.value?.color ?? '#4f46e5'
    style.setProperty('--brand', color)
    if (stylesheet.value?.includes('--brand-ink')) style.removeProperty('--brand-ink')
    else style.setProperty('--brand-ink', inkOf(color, dark.value ? 'dark' : 'light'))
  })
  watchEffect(() => {
    const style = document.getElementById(STYLE_ID) ?? document.head.appendChild(Object.assign(document.createElement('style'), { id: STYLE_ID }))
    style.textContent = stylesheet.value ?? ''
  })

  return { dark }
}
