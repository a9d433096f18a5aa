import ui from '@nuxt/ui/vue-plugin'
import { VueQueryPlugin } from '@tanstack/vue-query'
import { createPinia } from 'pinia'
import { createApp } from 'vue'
import App from './App.vue'
import { i18n, setLocale } from './locales/i18n'
import { followCore } from './queries/core-events'
import { queryClient } from './queries/client'
import { router } from './router'
import './style.css'

/* What the first screen needs is fetched side by side, not one after the other. */
const texts = setLocale(localStorage.getItem('flightdeck.locale') ?? 'en')
void import('./shell/Shell.vue')

const app = createApp(App)
app.use(createPinia())
app.use(router)
app.use(i18n)
app.use(ui)
app.use(VueQueryPlugin, { queryClient })
followCore(queryClient)

await texts
app.mount('#app')
