import { describe, expect, it } from 'vitest'
import { commands } from './bindings.gen'
import { call, failureOf, IpcFailure } from './call'
import { resetHost } from './fake/handlers'

describe('call', () => {
  it('returns the data of a command', async () => {
    resetHost({ fleet: 'empty', speed: 50 })

    expect(await call(commands.getAppStatus())).toMatchObject({ vault: 'open' })
  })

  it('throws the failure that the core named', async () => {
    resetHost({ vault: 'locked', speed: 50 })

    const failure = await call(commands.listOrganizations()).catch(failureOf)

    expect(failure).toBeInstanceOf(IpcFailure)
    expect(failure).toMatchObject({ code: 'vault_locked', retry: true, hint: 'unlock it first' })
  })

  it('turns a broken bridge into a coded failure too', async () => {
    const failure = await call(Promise.reject(new Error('the host is gone'))).catch(failureOf)

    expect(failure).toMatchObject({ code: 'internal', message: 'the host is gone' })
  })
})
