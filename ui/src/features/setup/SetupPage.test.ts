import { flushPromises } from '@vue/test-utils'
import { describe, expect, it, vi } from 'vitest'
import { commands } from '@/ipc/bindings.gen'
import { call } from '@/ipc/call'
import { world } from '@/ipc/fake/world'
import { appears, fill, press, show } from '@/test.mount'
import SetupPage from './SetupPage.vue'

const STATUS = { version: '0.1.0', dataDirectory: '/data', vault: 'absent', protection: null, keychainProblem: null, userName: null, modulesDirectory: '' } as const

describe('the first run', () => {
  it('asks three things and ends in an open vault with the first organization', async () => {
    await show(SetupPage, { status: STATUS }, { vault: 'absent' })

    await press('setup-next')
    await fill('setup-user', 'Ada Weber')
    await fill('setup-organization', 'Northwind')
    await press('setup-next')
    await press('setup-first-look')
    await vi.waitFor(() => expect(world.status.vault).toBe('open'), { timeout: 15_000 })

    expect(world.status).toMatchObject({ protection: 'keychain', userName: 'Ada Weber' })
    expect((await call(commands.listOrganizations())).map(one => one.name)).toEqual(['Northwind'])
  })

  it('says why the keychain can not be used, and goes on with a passphrase', async () => {
    const shown = await show(SetupPage, { status: { ...STATUS, keychainProblem: 'no secret service answers' } }, { vault: 'absent', keychain: false })

    expect(shown.text()).toContain('Can\'t be used here: no secret service answers.')
    await fill('setup-passphrase', 'correct horse battery')
    await fill('setup-passphrase-repeat', 'correct horse battery')
    await press('setup-next')

    expect(await appears('setup-user')).toBeTruthy()
  })

  it('never disables its button: pressing it shows what is missing', async () => {
    const shown = await show(SetupPage, { status: STATUS }, { vault: 'absent' })

    await press('setup-next')
    expect((await appears('setup-next') as HTMLButtonElement).disabled).toBe(false)
    await press('setup-next')
    await flushPromises()

    expect(shown.text()).toContain('This is needed')
  })
})
