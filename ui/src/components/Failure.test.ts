import ui from '@nuxt/ui/vue-plugin'
import { mount } from '@vue/test-utils'
import { beforeAll, describe, expect, it } from 'vitest'
import { i18n, setLocale } from '@/locales/i18n'
import { router } from '@/router'
import Failure from './Failure.vue'

const host = { global: { plugins: [i18n, router, ui] } }
const failure = { code: 'credential_refused', message: 'the provider answered 401', hint: 'put in a fresh token', incident: 'a1b2' } as const

beforeAll(() => setLocale('en'))

describe('a failure', () => {
  it('says what, why and what next, as sentences', () => {
    const text = mount(Failure, { props: { failure }, ...host }).text()

    expect(text).toContain('The provider refuses the credential')
    expect(text).toContain('The provider answered 401.')
    expect(text).toContain('Put in a fresh token.')
  })

  it('falls back to its own next step where the core has no hint', () => {
    const shown = mount(Failure, { props: { failure: { ...failure, hint: null } }, ...host })

    expect(shown.get('[data-testid=failure-next]').text()).toBe('Put in a fresh one with read and write access.')
  })

  it('offers a retry that works', async () => {
    const shown = mount(Failure, { props: { failure, retryable: true }, ...host })

    await shown.get('[data-testid=failure-retry]').trigger('click')

    expect(shown.emitted('retry')).toHaveLength(1)
  })

  it('leads to where it can be repaired', () => {
    expect(mount(Failure, { props: { failure }, ...host }).get('a').attributes('href')).toBe('#/settings/credentials')
  })
})
