import { describe, expect, it, vi } from 'vitest'
import { router } from '@/router'
import { appears, fill, press, show } from '@/test.mount'
import CredentialSettings from './CredentialSettings.vue'

const TOKEN = 'c4N4rY00'.repeat(8)

describe('the credentials', () => {
  it('an empty list says what it is for and how to begin', async () => {
    const shown = await show(CredentialSettings, {}, { fleet: 'empty' })

    await appears('add-credential')

    expect(shown.text()).toContain('No credential yet')
  })

  it('a pasted line gives up its token; the secret is tested and is nowhere on the page afterwards', async () => {
    await router.push('/settings/credentials?new=1')
    await show(CredentialSettings, {}, { fleet: 'empty' })

    const field = await appears('credential-token')
    const clipboardData = { getData: () => `export HCLOUD_TOKEN="${TOKEN}"` }
    field.dispatchEvent(Object.assign(new Event('paste', { bubbles: true, cancelable: true }), { clipboardData }))
    await press('credential-save')
    await vi.waitFor(() => expect(document.querySelector('[data-testid=credential]')?.getAttribute('data-state')).toBe('valid'), { timeout: 15_000 })

    expect(document.documentElement.outerHTML).not.toContain(TOKEN)
    expect(JSON.stringify({ ...localStorage }), 'a draft must not hold a secret').not.toContain(TOKEN)
  })

  it('a malformed token is refused beside its field', async () => {
    await router.push('/settings/credentials?new=1')
    const shown = await show(CredentialSettings, {}, { fleet: 'empty' })

    await fill('credential-token', 'too short')
    await press('credential-save')

    expect(shown.text()).toContain('A Hetzner token has 64 letters and digits; this has 9')
  })

  it('one in use is not removed, and the refusal names what uses it', async () => {
    await router.push('/settings/credentials')
    await show(CredentialSettings, {}, { fleet: 'some' })

    await press('credential-remove')
    await press('confirm-submit')
    const failure = await appears('failure')

    expect(failure.dataset.code).toBe('in_use')
    expect(failure.textContent).toContain('still use it: web')
  })
})
