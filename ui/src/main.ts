import { guardLocale } from './locales/guard'

guardLocale()
applyLastTheme()
void import('./app')

/** Sets light or dark before the first paint, as the last session left it. */
function applyLastTheme() {
  const last = localStorage.getItem('flightdeck.theme')
  const dark = last === 'dark' || (last !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches)
  document.documentElement.classList.add(dark ? 'dark' : 'light')
}
