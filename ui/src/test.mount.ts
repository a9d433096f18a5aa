import ui from '@nuxt/ui/vue-plugin'
import { VueQueryPlugin } from '@tanstack/vue-query'
import { enableAutoUnmount, flushPromises, mount, type VueWrapper } from '@vue/test-utils'
import { createPinia } from 'pinia'
import { type Component, h } from 'vue'
import UApp from '@nuxt/ui/components/App.vue'
import { afterEach, vi } from 'vitest'
import { resetHost } from './ipc/fake/handlers'
import { type Scenario } from './ipc/fake/world'
import { i18n, setLocale } from './locales/i18n'
import { queryClient } from './queries/client'
import { followCore } from './queries/core-events'
import { router } from './router'

const FAST = 40
let stop: (() => void) | null = null

enableAutoUnmount(afterEach)
afterEach(() => {
  stop?.()
  queryClient.clear()
})

/** Shows `component` as the window would, on a fake host that starts as `scenario` says. */
export async function show(component: Component, props: Record<string, unknown> = {}, scenario: Partial<Scenario> = {}): Promise<VueWrapper> {
  resetHost({ speed: FAST, ...scenario })
  stop = followCore(queryClient)
  await setLocale('en')
  const shown = mount({ render: () => h(UApp, null, { default: () => h(component, props) }) }, {
    attachTo: document.body,
    global: { plugins: [createPinia(), router, i18n, ui, [VueQueryPlugin, { queryClient }]] },
  })
  await flushPromises()
  return shown
}

/** Waits until something is on the page, wherever it was put. */
export function appears(testid: string): Promise<HTMLElement> {
  return vi.waitFor(() => {
    const found = document.querySelector<HTMLElement>(`[data-testid="${testid}"]`)
    if (!found) throw new Error(`there is no ${testid}`)
    return found
  }, { timeout: 15_000 })
}

/** Types into a field, as an input event. */
export async function fill(testid: string, text: string) {
  const field = await appears(testid) as HTMLInputElement
  field.value = text
  field.dispatchEvent(new Event('input', { bubbles: true }))
  await flushPromises()
}

/** Presses a button. */
export async function press(testid: string) {
  (await appears(testid)).click()
  await flushPromises()
}
