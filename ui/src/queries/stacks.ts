import { type MaybeRefOrGetter, toValue } from 'vue'
import { commands, type StackInputs, type StackRequest } from '@/ipc/bindings.gen'
import { call } from '@/ipc/call'
import { useScoped } from './scoped'

/** The stacks of the open organization. */
export function useStacks() {
  return useScoped(['stacks'], id => call(commands.listStacks(id)))
}

/** One stack with its runs and the versions of its state. */
export function useStack(stackId: MaybeRefOrGetter<string>) {
  return useScoped(() => ['stacks', toValue(stackId)], id => call(commands.getStack(id, toValue(stackId))))
}

export const stackCommands = {
  create: (organizationId: string, request: StackRequest) => call(commands.createStack(organizationId, request)),
  update: (organizationId: string, id: string, inputs: StackInputs) => call(commands.updateStack(organizationId, id, inputs)),
  plan: (organizationId: string, id: string, destroy: boolean) => call(commands.planStack(organizationId, id, destroy)),
  apply: (organizationId: string, id: string, runId: string, confirmName: string | null) => call(commands.applyPlan(organizationId, id, runId, confirmName)),
  discard: (organizationId: string, id: string, runId: string) => call(commands.discardPlan(organizationId, id, runId)),
  remove: (organizationId: string, id: string) => call(commands.deleteStack(organizationId, id)),
}
