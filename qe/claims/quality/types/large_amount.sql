-- One amount. Fails: more dollars than one claim, line or fill can cost.
{column} > {limit}
