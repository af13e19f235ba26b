"""Runs MiniStack with what the deployment suites need beside its own: the condition key dynamodb:LeadingKeys, which it does
not fill, so that the rights of roles by partition key are judged; and no second listener on port 443. Everything else,
also which settings make it check signatures and policies, is in test/aws/ministack.ts."""

import json
import re

import ministack.app
import ministack.core.iam_actions as iam_actions

PARTITION_KEY = "pk"


def equality_operand(expression, names):
    """What `#pk = :value` in a key condition compares the partition key with."""
    for match in re.finditer(r"([#\w]+)\s*=\s*(:\w+)", expression):
        if names.get(match[1], match[1]) == PARTITION_KEY:
            return match[2]
    return None


def leading_keys(request):
    """The partition keys that a request names, as DynamoDB tells them to IAM."""
    items = [request.get("Key"), request.get("Item")]
    for writes in (request.get("RequestItems") or {}).values():
        if isinstance(writes, dict):
            items.extend(writes.get("Keys") or [])
            continue
        for write in writes:
            items.append((write.get("PutRequest") or {}).get("Item"))
            items.append((write.get("DeleteRequest") or {}).get("Key"))
    values = [item[PARTITION_KEY] for item in items if isinstance(item, dict) and PARTITION_KEY in item]
    expression = request.get("KeyConditionExpression")
    if isinstance(expression, str):
        operand = equality_operand(expression, request.get("ExpressionAttributeNames") or {})
        if operand is not None:
            values.append(request["ExpressionAttributeValues"][operand])
    return [text for value in values for text in value.values()]


own_context = iam_actions.dynamodb_service_context


def context_with_leading_keys(body):
    context = own_context(body)
    try:
        keys = leading_keys(json.loads(body or b"{}"))
    except (AttributeError, KeyError, TypeError, ValueError):
        keys = []
    return {**context, "dynamodb:LeadingKeys": keys} if keys else context


iam_actions.dynamodb_service_context = context_with_leading_keys
ministack.app._port_is_bindable = lambda *_: False
ministack.app.main()
